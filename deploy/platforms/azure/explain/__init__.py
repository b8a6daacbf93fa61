"""What a verb does on Azure, as the commands of Azure's own CLI: printed, not run."""
