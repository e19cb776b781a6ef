"""What modules say of the sizes that they are made with."""


def check_lengths(module: str, **lengths: int) -> None:
    """Refuses what no vector can have.

    Args:
        module: Whose lengths they are, in messages.
        lengths: By the names of the module's arguments, in their order.

    Raises:
        ValueError: A length is below 1.
    """
    for name, length in lengths.items():
        if length < 1:
            raise ValueError(f"{module}: {name} must be at least 1, got {length}")
