"""The console script `deploycheck`: the chain of evidence without pytest, and what helps to set it up."""
