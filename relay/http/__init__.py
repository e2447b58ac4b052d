"""Answer HTTP: the route table and what every route shares; knows no room (../design.md, The house)."""
