"""The rules that a stack must keep, as pure functions over what it sends."""
