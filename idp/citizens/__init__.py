"""People: citizens, their numbers, the population register, and the credentials they log in with."""
