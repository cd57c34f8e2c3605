"""A differentiable rasteriser: triangles in clip space to pictures, with gradients back to every vertex.

    edges = edge_table(triangles)                                  # once for each topology
    raster, changes = rasterizer.rasterize(positions, triangles, 256, 256)
    colours, _ = rasterizer.interpolate(attributes, raster, triangles)
    picture = rasterizer.antialias(colours, raster, positions, edges)

Four steps with nvdiffrast's documented conventions, in plain PyTorch on any device or by nvdiffrast itself
on CUDA. The last one, which makes silhouettes differentiable, walks the mesh's silhouette edges, and is our
own on both.
"""
