"""A survey of an account: the clusters, services and resources from which a first configuration is made."""
