"""Questions with one exact answer: environments, question files and the comparison of answers."""
