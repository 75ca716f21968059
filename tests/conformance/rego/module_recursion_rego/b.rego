package b

y := data.a.x
