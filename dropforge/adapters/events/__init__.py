"""What AWS sends, read into the domain: raw JSON stops here."""
