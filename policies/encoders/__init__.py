"""Image encoders: camera frames to tokens. Each is a torch module that the plug-in's ``build`` makes."""
