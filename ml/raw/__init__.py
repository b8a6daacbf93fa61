"""Raw rows: CSV and Parquet files read strictly, each fault with its file, row, column and remedy."""
