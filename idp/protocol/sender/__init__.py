"""Who sends: tokens that are bound to a key, by DPoP or by the certificate of mutual TLS, and how that is checked."""
