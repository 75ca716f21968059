package a

x := data.b.y
