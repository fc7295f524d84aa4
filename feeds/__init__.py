"""Where bars and quotes come from: synthetic, recorded, imported or computed by a model."""
