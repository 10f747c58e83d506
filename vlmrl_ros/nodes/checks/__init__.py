"""What the doctor looks at: a module for each group of checks, and the programs that those run beside them."""
