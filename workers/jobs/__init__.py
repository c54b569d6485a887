"""Jobs: what is done later, once in effect, by whichever worker is free."""
