"""What happens to features before a model: imputation, standardisation, correlation filter, selection."""
