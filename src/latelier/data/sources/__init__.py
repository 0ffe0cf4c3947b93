"""What a data argument can be: folders, Parquet, tar, torchvision's sets and drawn ones."""
