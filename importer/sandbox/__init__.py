"""A local server that behaves like the threat-events API. It shares no logic with the client."""
