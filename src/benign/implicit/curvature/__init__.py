"""How flat a solution is: products with the Hessian of a loss, its eigenvalues and trace, and sharpness."""
