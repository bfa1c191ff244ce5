"""Pure decisions: the household register, the case, the policy book."""
