"""What bench and chaos stand on: the processes of the Procfile on servers of their own, and customers with mails."""
