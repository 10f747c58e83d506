"""What the offline-to-online learners share: whole episodes, their returns, actor and critics."""
