"""Pages on which a citizen answers what another device asks: the device grant's code, and CIBA's requests."""
