module ringside.test/bench/h2c_app

go 1.24
