"""`deploycheck init`: a first configuration, a first test and a CI job, from what is found in the account."""
