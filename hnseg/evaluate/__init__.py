"""From predictions and truth to tables: rows a case, summaries a centre, the scores of the HECKTOR challenges."""
