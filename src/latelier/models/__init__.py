"""One file a method; the module's name is the method's name on the command line."""
