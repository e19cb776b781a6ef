# Fails if an object of the instruction set ISA defines a weak symbol outside the set's namespace: of such a function the
# linker keeps one copy for all sets, and a machine without AVX-512 could be left with the AVX-512 one.
# Needs NM, ISA and OBJECTS (paths, separated by |).
string(REPLACE "|" ";" objects "${OBJECTS}")
execute_process(COMMAND "${NM}" -C ${objects} OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
if(NOT symbols MATCHES " T singerprint::${ISA}::")
  message(FATAL_ERROR "weak_symbols: no kernel of ${ISA} in ${objects}")
endif()
string(REGEX MATCHALL "[^\n]* [WVu] [^\n]*" weak "${symbols}")
list(FILTER weak EXCLUDE REGEX "singerprint::${ISA}::|DW\\.ref\\.__gxx_personality_v0")
if(weak)
  list(JOIN weak "\n" weak)
  message(FATAL_ERROR "weak_symbols: the lanes of ${ISA} share these with other instruction sets:\n${weak}")
endif()
