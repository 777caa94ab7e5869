"""The ways to simulate, one file each; `simulate.methods.choice` lists them."""
