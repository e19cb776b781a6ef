#include "models/json.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace singerprint {
namespace {

std::string error_of(const std::string& text) {
  try {
    parse_json(text);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Json, EveryKindOfValueIsRead) {
  const JsonValue json =
      parse_json(R"( {"a": [1, -2.5e3, 0.1], "b": {"c": null, "d": true}, "e": "x\"\n/", "f": []} )");
  const auto& members = json.object("it");
  ASSERT_EQ(members.size(), 4u);
  const auto& numbers = members.at("a").array("a");
  ASSERT_EQ(numbers.size(), 3u);
  EXPECT_EQ(numbers[1].number("a"), -2500.0);
  EXPECT_EQ(numbers[2].number("a"), 0.1);
  EXPECT_TRUE(members.at("b").object("b").at("c").is_null());
  EXPECT_TRUE(std::get<bool>(members.at("b").object("b").at("d").value));
  EXPECT_EQ(members.at("e").string("e"), "x\"\n/");
  EXPECT_TRUE(members.at("f").array("f").empty());
}

TEST(Json, WhatIsNoJsonIsNamedByItsPlace) {
  EXPECT_EQ(error_of(""), "no JSON at byte 0");
  EXPECT_EQ(error_of("{\"a\": 1"), "no JSON at byte 7");
  EXPECT_EQ(error_of("{} x"), "no JSON at byte 3");
  EXPECT_EQ(error_of("\"open"), "no JSON at byte 5");
  EXPECT_EQ(error_of("\"\\q\""), "no JSON at byte 2");
  EXPECT_EQ(error_of(std::string(100, '[')), "no JSON at byte 33");
}

TEST(Json, AnotherKindIsNamed) {
  try {
    parse_json("[1]").object("config");
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "config must be an object");
  }
}

}  // namespace
}  // namespace singerprint
