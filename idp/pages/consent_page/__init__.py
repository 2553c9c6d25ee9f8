"""What the consent page says, in one place for the page and for the record of the answer."""
