"""The least IAM policy for an environment: the actions of its checks, on its own resources."""
