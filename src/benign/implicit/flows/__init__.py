"""Which loss and which flow a method follows: modified losses, backward error analysis and the gradient penalty."""
