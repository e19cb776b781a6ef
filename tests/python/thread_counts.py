"""What a computation gives with other numbers of threads."""

import torch


def results_of_threads(function, counts=(1, 2, 3)):
    """A list of what the function returns with each number of threads."""
    before = torch.get_num_threads()
    results = []
    try:
        for count in counts:
            torch.set_num_threads(count)
            results.append(function())
    finally:
        torch.set_num_threads(before)
    return results
