"""The metadata store on DynamoDB: one table for the present state, one for the trail."""
