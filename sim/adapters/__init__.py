"""Foreign environments (Gymnasium, dm_control) behind the task protocol."""
