"""Personal data: encrypted per household, matched blindly, masked unless a purpose is named."""
