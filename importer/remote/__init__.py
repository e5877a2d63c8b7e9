"""The threat-events API: HTTP client, pacing, classes of failure, wire format."""
