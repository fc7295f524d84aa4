"""The ramp from backtest to live: research, paper, small, scaled."""
