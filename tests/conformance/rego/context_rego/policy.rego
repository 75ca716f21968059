package memory

seen := count(data.context)
