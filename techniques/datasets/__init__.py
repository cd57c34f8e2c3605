"""Picture sets by class: a class list becomes labelled, licensed folders of pictures.

`recipe` reads the list, `sources` search, `client` fetches politely, `check` looks at each picture,
`manifest` remembers everything, `credits` says whose work it is, `collect` puts them together.
"""
