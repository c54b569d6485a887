"""What holds of a cluster's decisions for all nodes and rooms."""
