"""The platform that is this machine: steps are processes, endpoints are HTTP servers on the loopback."""
