"""Networks that name what a picture shows: from the registry, or from a folder that `train` wrote."""
