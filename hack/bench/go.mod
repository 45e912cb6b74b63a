module netreach/bench

go 1.24
