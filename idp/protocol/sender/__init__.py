"""Who sends: codes and tokens that are bound to their sender, by PKCE, DPoP or mutual TLS, and how that is checked."""
