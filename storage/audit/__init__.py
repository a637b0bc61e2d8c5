"""The digest chain: how entries are digested, verified, derived again, and backed up."""
