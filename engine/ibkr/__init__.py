"""Interactive Brokers: one thread with the connection, everything else beside it.

    link = Link(settings.ibkr, paper=True)       # speed=60.0 in a rehearsal
    link.start()                                 # LinkError in one line when it cannot
    contracts = Contracts(link, products, folder)
    contracts.prepare(symbols)
    book = LiveQuotes(link, contracts, products, settings.ibkr)
    book.start(symbols); book.watch(symbol, days)
    minutes = Minutes(link, contracts, book, symbols, settings.ibkr)
    minutes.start()
    broker = LiveBroker(
        link, contracts, book, minutes.tape, journal, settings.ibkr, execution, estimate)
    desk = Desk(book, broker, governor, journal, minutes.tape, fees, sessions, cash)
    books = Reconciler(broker, symbols)          # books.next() every cycle
    cerebro.setbroker(broker); cerebro.adddata(LiveFeed(minutes=minutes, symbol=symbol))

Only the link's thread touches the client library; every other thread sees immutable records.
"""
