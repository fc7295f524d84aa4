"""Interactive Brokers: one thread with the connection, everything else beside it.

    link = Link(settings.ibkr, paper=True)       # speed=60.0 in a rehearsal
    link.start()                                 # LinkError in one line when it cannot
    contracts = Contracts(link, products, cache)
    minutes = Minutes(link, contracts, symbols, settings.ibkr)
    book = LiveQuotes(link, contracts, products, settings.ibkr)
    broker = LiveBroker(link, contracts, book, journal, settings.ibkr, execution)
    cerebro.setbroker(broker); cerebro.adddata(LiveFeed(minutes=minutes, symbol=...))
    desk = Desk(book, broker, governor, journal, minutes.tape, fees, sessions, cash)

Only the link's thread touches the client library; every other thread sees immutable snapshots.
"""
