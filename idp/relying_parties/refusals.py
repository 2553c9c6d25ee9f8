"""What can go wrong when a relying party registers itself (RFC 7591 section 3.2.2)."""

from __future__ import annotations

from idp.errors import ProtocolError


class InvalidRedirectUri(ProtocolError):
    """A redirect address is not one that can be registered."""

    code = "invalid_redirect_uri"


class InvalidClientMetadata(ProtocolError):
    """A member of the metadata is not one that can be registered."""

    code = "invalid_client_metadata"


class InvalidSoftwareStatement(ProtocolError):
    """The software statement cannot be read, or is not, or no longer, good."""

    code = "invalid_software_statement"


class UnapprovedSoftwareStatement(ProtocolError):
    """The software statement is of somebody whose statements are not believed here."""

    code = "unapproved_software_statement"
