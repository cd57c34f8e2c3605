"""Pictures of the ground by place: sized in metres, placed to the pixel, with licence and source.

`grid` is the arithmetic of map tiles, `asked` turns a command line into places, `windows` turns places into
exact pieces of the map, `services` and `tiles` fetch, `mosaic` cuts, `placing` writes where a picture lies.
"""
