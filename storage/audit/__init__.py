"""The digest chain: how entries are digested, verified, rederived, and backed up."""
